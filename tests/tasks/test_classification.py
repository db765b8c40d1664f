"""Classification: training loss and evaluation against scikit-learn."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, log_loss
from torch import Tensor, nn

from harness.catalog import Catalog
from harness.data import Split, Splits
from harness.errors import DataError
from harness.observations import Array
from harness.tasks import Scores, Task

SAMPLES, FEATURES, CLASSES = 103, 12, 7
TASK: Task = Catalog().load("tasks", "classification")
NOTHING = Split(torch.zeros(0), torch.zeros(0))
LEARNING = TASK.start(Splits(NOTHING, NOTHING))
[TURN] = LEARNING.turns


@pytest.fixture(autouse=True)
def _own_random_stream() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(11)
        yield


@pytest.fixture
def split() -> Split:
    """Noise with random labels; 103 samples fit no batch size evenly."""
    return Split(torch.randn(SAMPLES, FEATURES), torch.randint(CLASSES, (SAMPLES,)))


@pytest.fixture
def model() -> nn.Module:
    """A network that behaves differently in training and evaluation mode."""
    layers = (nn.Linear(FEATURES, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, CLASSES))
    return nn.Sequential(*layers)


def probabilities(model: nn.Module, inputs: Tensor) -> Array:
    """Softmax of the logits in evaluation mode, in float64, by NumPy."""
    model.eval()
    logits: Array = model(inputs).detach().double().numpy()
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    result: Array = weights / weights.sum(axis=1, keepdims=True)
    return result


@pytest.mark.parametrize("batch_size", [1, 10, 64, SAMPLES, 1000])
def test_scores_equal_sklearn(model: nn.Module, split: Split, batch_size: int) -> None:
    """Loss, accuracy and predictions are those of scikit-learn and NumPy, whatever the batch size."""
    scores = LEARNING.evaluate(model, split, batch_size)
    expected = probabilities(model, split.inputs)

    assert scores.values["loss"] == pytest.approx(log_loss(split.labels, expected, labels=range(CLASSES)), rel=1e-6)
    assert scores.values == {"accuracy": accuracy_score(split.labels, expected.argmax(1)), "loss": scores.values["loss"]}
    np.testing.assert_array_equal(expected.argmax(1), scores.predictions)
    np.testing.assert_array_equal(split.labels.numpy(), scores.labels)


def test_every_sample_weighs_the_same() -> None:
    """64 samples of loss 1 and 1 of loss 40 average to 104 / 65: the lone last sample is no batch of its own."""
    losses_N = torch.tensor([1.0] * 64 + [40.0], dtype=torch.float64)
    logits_NK = torch.stack([torch.zeros(65, dtype=torch.float64), torch.log(torch.expm1(losses_N))], dim=1)

    scores = LEARNING.evaluate(nn.Identity(), Split(logits_NK, torch.zeros(65, dtype=torch.int64)), 64)

    assert scores.values["loss"] == pytest.approx(104 / 65, rel=1e-12)
    assert scores.values["accuracy"] == 0.0


def test_sums_in_float64() -> None:
    """A hundred thousand equal float32 losses average to that loss far below float32's rounding."""
    logits_NK = torch.zeros(100_000, 10)

    scores = LEARNING.evaluate(nn.Identity(), Split(logits_NK, torch.zeros(100_000, dtype=torch.int64)), 1000)

    assert scores.values["loss"] == pytest.approx(np.log(10), rel=1e-14)
    assert scores.values["accuracy"] == 1.0


def test_low_precision_logits_are_scored() -> None:
    """Logits in bfloat16, as autocast gives them, are scored at their own value."""
    logits_NK = torch.randn(20, CLASSES).bfloat16()
    labels_N = torch.randint(CLASSES, (20,))

    scores = LEARNING.evaluate(nn.Identity(), Split(logits_NK, labels_N), 8)

    expected = probabilities(nn.Identity(), logits_NK)
    assert scores.values["loss"] == pytest.approx(log_loss(labels_N, expected, labels=range(CLASSES)), rel=1e-12)


@pytest.mark.parametrize("training", [True, False])
def test_each_module_keeps_its_mode(model: nn.Module, split: Split, training: bool) -> None:
    """A model comes back in the mode it had, and a frozen part in its own."""
    model.train(training)
    frozen = model.get_submodule("1").eval()

    LEARNING.evaluate(model, split, 32)

    expected = [training and module is not frozen for module in model.modules()]
    assert expected == [module.training for module in model.modules()]


def test_mode_comes_back_after_a_failure(model: nn.Module) -> None:
    """A failing forward pass leaves no model in evaluation mode."""
    model.train()

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        LEARNING.evaluate(model, Split(torch.zeros(4, FEATURES + 1), torch.zeros(4, dtype=torch.int64)), 2)

    assert all(module.training for module in model.modules())


def test_training_mode_does_not_move_the_scores(model: nn.Module, split: Split) -> None:
    """Dropout is off and batch statistics stay as they are: a model in training mode scores as one in evaluation mode."""
    expected = LEARNING.evaluate(model.eval(), split, 32).values["loss"]
    statistics = {name: value.clone() for name, value in model.state_dict().items()}

    assert expected == LEARNING.evaluate(model.train(), split, 32).values["loss"]
    assert all(torch.equal(value, statistics[name]) for name, value in model.state_dict().items())


def test_draws_no_random_numbers(model: nn.Module, split: Split) -> None:
    """The global streams of torch and NumPy stand where they stood."""
    torch_before, numpy_before = torch.get_rng_state(), np.random.get_state(legacy=False)

    LEARNING.evaluate(model.train(), split, 10)

    assert torch.equal(torch_before, torch.get_rng_state())
    np.testing.assert_equal(np.random.get_state(legacy=False), numpy_before)


def test_evaluating_between_steps_does_not_change_training(split: Split) -> None:
    """A training with evaluations ends at the weights of one without, to the bit (article 000, defect 9)."""

    def trained(evaluate: bool) -> Tensor:
        torch.manual_seed(2)
        model = nn.Sequential(nn.Linear(FEATURES, 16), nn.Dropout(0.5), nn.Linear(16, CLASSES))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            torch.autograd.backward(TURN.loss(model, split.inputs, split.labels))
            optimizer.step()
            if evaluate:
                LEARNING.evaluate(model, split, 10)
        return nn.utils.parameters_to_vector(model.parameters()).detach()

    assert torch.equal(trained(evaluate=False), trained(evaluate=True))


def test_training_loss_is_mean_cross_entropy(model: nn.Module, split: Split) -> None:
    """The training loss is scikit-learn's log loss, with the gradient softmax minus truth over samples."""
    model.eval()
    loss = TURN.loss(model, split.inputs, split.labels)
    torch.autograd.backward(loss)
    expected = probabilities(model, split.inputs)

    assert tuple(loss.shape) == ()
    assert loss.item() == pytest.approx(log_loss(split.labels, expected, labels=range(CLASSES)), rel=1e-5)
    truth = np.eye(CLASSES)[split.labels.numpy()]
    gradient = model.get_parameter("4.bias").grad
    assert gradient is not None
    np.testing.assert_allclose(gradient.numpy(), (expected - truth).mean(axis=0), atol=1e-6)


def test_empty_split_is_an_error(model: nn.Module) -> None:
    """No score is made up for no samples."""
    with pytest.raises(DataError, match="the split holds no samples"):
        LEARNING.evaluate(model, Split(torch.zeros(0, FEATURES), torch.zeros(0, dtype=torch.int64)), 8)


def test_declares_its_scores() -> None:
    """What the source declares is what evaluating yields."""
    fields = Catalog().part("tasks", "classification").fields
    scores: Scores = LEARNING.evaluate(nn.Identity(), Split(torch.eye(3), torch.arange(3)), 2)

    assert fields == {"primary": "accuracy", "scores": {"accuracy": "higher", "loss": "lower"}}
    assert fields["scores"].keys() == scores.values.keys()
