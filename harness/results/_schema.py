"""Columns of every stored table.

Schema history:
    1  first version
    2  runs: synthetic, resumed; tables episodes and images
    3  samples: clocks, temperature, throttle_reasons, energy_joules, foreign_processes; tables targets and host_samples
    4  runs: code_digest, data_digest, diff_digest; steps: learning_rate; digests: norm; table data_samples
    5  tables claims and confusions
"""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 5

_text, _real, _int = pa.string(), pa.float64(), pa.int64()


def _schema(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()), metadata={"harness_schema_version": str(SCHEMA_VERSION)})


TABLES: dict[str, pa.Schema] = {
    "runs": _schema(
        run_id=_text,
        run_key=_text,
        suite=_text,
        suite_digest=_text,
        case=_text,
        case_digest=_text,
        model=_text,
        data=_text,
        synthetic=pa.bool_(),
        task=_text,
        seed=_int,
        repeat=_int,
        arm=_text,
        block=_int,
        restart=_int,
        lane=_text,
        **{"pass": _text},
        device=_text,
        precision=_text,
        mode=_text,
        threads=_int,
        world_size=_int,
        status=_text,
        reason=_text,
        commit=_text,
        dirty=pa.bool_(),
        diff_digest=_text,
        code_digest=_text,
        data_digest=_text,
        started_utc=_text,
        seconds=_real,
        overhead_seconds=_real,
        resumed=_int,
        machine_class=_text,
        numeric_fingerprint=_text,
        version_key=_text,
        environment_digest=_text,
    ),
    "measurements": _schema(
        run_id=_text,
        metric=_text,
        phase=_text,
        value=_real,
        value_text=_text,
        unit=_text,
        direction=_text,
        **{"class": _text},
        scope=_text,
        n=_int,
        quality_flag=_text,
        null_reason=_text,
    ),
    "steps": _schema(
        run_id=_text,
        step=_int,
        epoch=_int,
        samples=_int,
        loss=_real,
        seconds=_real,
        cpu_seconds=_real,
        loader_seconds=_real,
        learning_rate=_real,
    ),
    "evaluations": _schema(
        run_id=_text,
        epoch=_int,
        step=_int,
        train_seconds=_real,
        split=_text,
        metric=_text,
        value=_real,
    ),
    "episodes": _schema(
        run_id=_text,
        phase=_text,
        step=_int,
        episode=_int,
        value=_real,
    ),
    "images": _schema(run_id=_text, title=_text, png=pa.binary()),
    "confusions": _schema(run_id=_text, label=_int, predicted=_int, count=_int),
    "samples": _schema(
        run_id=_text,
        seconds=_real,
        device_uuid=_text,
        utilization=_real,
        memory_used_bytes=_real,
        process_memory_bytes=_real,
        power_watts=_real,
        sm_clock_hertz=_real,
        memory_clock_hertz=_real,
        temperature_celsius=_real,
        throttle_reasons=_int,
        energy_joules=_real,
        foreign_processes=_int,
    ),
    "host_samples": _schema(
        run_id=_text,
        seconds=_real,
        load=_real,
        stolen=_real,
        foreign_cpus=_real,
        frequency_hertz=_real,
    ),
    "targets": _schema(
        run_id=_text,
        score=_text,
        threshold=_real,
        epoch=_int,
        step=_int,
        samples=_int,
        train_seconds=_real,
        energy_joules=_real,
        null_reason=_text,
    ),
    "digests": _schema(run_id=_text, step=_int, tensor=_text, sha256=_text, norm=_real),
    "data_samples": _schema(data_digest=_text, split=_text, sample=_int, hash=pa.uint64()),
    "environments": _schema(environment_digest=_text, key=_text, value=_text),
    "blocks": _schema(
        case=_text,
        restart=_int,
        core=_int,
        pair=_int,
        arm=_text,
        order=_int,
        steps=_int,
        wall_seconds=_real,
        cpu_seconds=_real,
        device_seconds=_real,
        switches=_int,
        faults=_int,
        sentinel_seconds=_real,
    ),
    "verdicts": _schema(
        case=_text,
        metric=_text,
        base=_real,
        head=_real,
        n_base=_int,
        n_head=_int,
        estimate=_real,
        low=_real,
        high=_real,
        p=_real,
        p_adjusted=_real,
        margin=_real,
        mde=_real,
        verdict=_text,
        level=_text,
        method=_text,
        method_version=_int,
        **{"class": _text},
        unit=_text,
        direction=_text,
        note=_text,
    ),
    "claims": _schema(
        claim=_text,
        block=_text,
        statement=_text,
        source=_text,
        refuted_by=_text,
        need=_text,
        note=_text,
        untestable=_text,
        verdict=_text,
        test=_int,
        kind=_text,
        asked=_text,
        found=_text,
        outcome=_text,
        reason=_text,
        why=_text,
        cases=_text,
        unit=_text,
        seeds=_int,
        estimate=_real,
        low=_real,
        high=_real,
        confidence=_real,
        margin=_real,
        p=_real,
        p_adjusted=_real,
        run_sets=_text,
        commits=_text,
        version_keys=_text,
        machine_classes=_text,
    ),
}
"""Table name -> columns, in the order they are stored."""

RUN_TABLES = (
    "measurements",
    "steps",
    "evaluations",
    "episodes",
    "images",
    "confusions",
    "targets",
    "samples",
    "host_samples",
    "digests",
    "data_samples",
    "environments",
    "runs",
)
"""The tables that a run adds rows to; `runs` last, so that a run is there only when all of it is."""

SHARED = {"environments": "environment_digest", "data_samples": "data_digest"}
"""Tables whose rows are of several runs alike, and what they are known by; a run may leave out what another has stored."""

SINCE = {
    **dict.fromkeys(("episodes", "images"), 2),
    **dict.fromkeys(("targets", "host_samples"), 3),
    "data_samples": 4,
    "confusions": 5,
}
"""Tables of runs that came after the first schema version -> the version; an older run set lacks them rightly."""
