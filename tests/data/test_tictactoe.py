"""Tic-tac-toe: its rules over every game there is, and its environment against gymnasium's checks and exact odds."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from harness.data import LoadContext
from harness.data._tictactoe import EMPTY, FIELDS, LINES, OTHER, OWN, TicTacToe, has_line, observe
from harness.data.tictactoe import DATASET, load

Board = tuple[int, ...]
START: Board = (EMPTY,) * FIELDS
MAGIC = (2, 7, 6, 9, 5, 1, 4, 3, 8)
"""The magic square: three of its numbers sum to 15 exactly where they stand in a line."""


def moves(board: Board, player: int) -> list[Board]:
    """Every board after one more mark."""
    return [(*board[:f], player, *board[f + 1 :]) for f in range(FIELDS) if board[f] == EMPTY]


def over(board: Board) -> bool:
    """Whether a board ends the game."""
    return has_line(board, OWN) or has_line(board, OTHER) or EMPTY not in board


@cache
def games(board: Board, player: int) -> tuple[int, int, int]:
    """How many ways to finish a game are won by the first, by the second, and by none."""
    if has_line(board, OWN):
        return 1, 0, 0
    if has_line(board, OTHER):
        return 0, 1, 0
    if EMPTY not in board:
        return 0, 0, 1
    first, second, none = zip(*(games(after, OWN + OTHER - player) for after in moves(board, player)), strict=True)
    return sum(first), sum(second), sum(none)


@cache
def odds(board: Board, player: int, *, best: bool) -> tuple[float, float]:
    """(chance that OWN wins, that it loses) where OTHER plays by chance and OWN does so too, or as well as possible."""
    if over(board):
        return float(has_line(board, OWN)), float(has_line(board, OTHER))
    after = [odds(each, OWN + OTHER - player, best=best) for each in moves(board, player)]
    if player == OWN and best:
        return max(after, key=lambda chances: chances[0] - chances[1])
    return sum(win for win, _ in after) / len(after), sum(loss for _, loss in after) / len(after)


def reachable() -> set[Board]:
    """Every board of every game that OWN begins, the empty one included."""
    found, fresh, player = {START}, {START}, OWN
    while fresh:
        fresh = {after for board in fresh if not over(board) for after in moves(board, player)}
        found, player = found | fresh, OWN + OTHER - player
    return found


def test_all_games_are_counted_as_published() -> None:
    """255,168 games, of which the first player wins 131,184, the second 77,904, and 46,080 are draws."""
    assert games(START, OWN) == (131_184, 77_904, 46_080)
    assert sum(games(START, OWN)) == 255_168


def test_all_boards_are_counted_as_published() -> None:
    """5,478 boards can arise, 958 of which end the game."""
    boards = reachable()

    assert len(boards) == 5_478
    assert sum(map(over, boards)) == 958


def test_lines_are_those_of_the_magic_square() -> None:
    """Eight lines: exactly the triples of fields whose numbers in a magic square sum to 15."""
    expected = {fields for fields in combinations(range(FIELDS), 3) if sum(MAGIC[field] for field in fields) == 15}

    assert expected == set(LINES)
    assert len(LINES) == 8


def test_a_line_is_found_on_every_board() -> None:
    """Over all boards, a player has a line exactly where three of their magic numbers sum to 15."""
    for board in reachable():
        for player in (OWN, OTHER):
            numbers = [MAGIC[field] for field in range(FIELDS) if board[field] == player]
            assert has_line(board, player) == any(sum(three) == 15 for three in combinations(numbers, 3))


def test_observations_are_three_planes() -> None:
    """Own marks, the other's, empty fields: every field is 1 in exactly one plane, over all boards."""
    for board in reachable():
        planes = observe(board).reshape(3, FIELDS)
        expected = [[float(mark == kind) for mark in board] for kind in (OWN, OTHER, EMPTY)]
        assert expected == planes.tolist()
        assert planes.dtype == np.float32


def test_passes_gymnasiums_checker() -> None:
    """Spaces, seeding, determinism and returned types are as gymnasium asks; warnings are errors."""
    check_env(TicTacToe())


def finish(env: TicTacToe, seed: int, pick: np.random.RandomState) -> tuple[float, int, bool]:
    """Play a game by chance: its return, the agent's moves, and whether the opponent began."""
    observation, info = env.reset(seed=seed)
    second = bool(observation[FIELDS : 2 * FIELDS].any())
    total, count, ended = 0.0, 0, False
    while not ended:
        np.testing.assert_array_equal(observation[2 * FIELDS :], info["action_mask"])
        action = int(pick.choice(np.flatnonzero(info["action_mask"])))
        observation, reward, ended, truncated, info = env.step(action)
        total, count = total + reward, count + 1
        assert not truncated
        board = observation.reshape(3, FIELDS)
        assert board[0].sum() - board[1].sum() in ((-1, 0) if second else (0, 1))
    return total, count, second


def test_chance_against_chance_has_the_exact_odds() -> None:
    """Wins, losses and the opponent's first moves are within four deviations of the exact odds, 43.65 % and one half."""
    env, pick, number = TicTacToe(), np.random.RandomState(4), 3000
    results = [finish(env, seed, pick) for seed in range(number)]
    win = (odds(START, OWN, best=False)[0] + odds(START, OTHER, best=False)[0]) / 2

    assert win == pytest.approx(0.4365, abs=5e-5)
    assert (odds(START, OWN, best=False)[1] + odds(START, OTHER, best=False)[1]) / 2 == pytest.approx(win, rel=1e-12)
    for count, chance in (
        (sum(total > 0 for total, _, _ in results), win),
        (sum(total < 0 for total, _, _ in results), win),
        (sum(second for _, _, second in results), 0.5),
    ):
        assert abs(count - number * chance) <= 4 * (number * chance * (1 - chance)) ** 0.5
    assert {1.0, -1.0, 0.0} == {total for total, _, _ in results}
    assert max(count for _, count, _ in results) == 5


def test_how_well_the_best_player_does() -> None:
    """Against chance the best return is 0.960 on average: who begins wins 191 of 192 games, who does not 93.2 %."""
    first, second = odds(START, OWN, best=True), odds(START, OTHER, best=True)

    assert first == pytest.approx((191 / 192, 0.0), rel=1e-12)
    assert second == pytest.approx((0.9323, 0.0074), abs=5e-5)
    assert (first[0] - first[1] + second[0] - second[1]) / 2 == pytest.approx(0.9598, abs=5e-5)


def test_a_taken_field_loses_at_once() -> None:
    """The game is over with -1, and the board stays as it was."""
    env = TicTacToe()
    observation, _ = env.reset(seed=2)
    observation, reward, ended, _, _ = env.step(int(np.flatnonzero(observation[2 * FIELDS :])[0]))
    assert (reward, ended) == (0.0, False)

    after, reward, ended, truncated, _ = env.step(int(np.flatnonzero(observation[:FIELDS])[0]))

    assert (reward, ended, truncated) == (-1.0, True, False)
    np.testing.assert_array_equal(observation, after)


def test_no_step_after_the_end() -> None:
    """A game that is over, or was never begun, has to be reset first."""
    env = TicTacToe()
    for _ in range(2):
        with pytest.raises(gymnasium.error.ResetNeeded, match="call reset"):
            env.step(0)
        observation, ended = env.reset(seed=1)[0], False
        while not ended:
            observation, _, ended, _, _ = env.step(int(np.flatnonzero(observation[2 * FIELDS :])[0]))


@pytest.mark.parametrize("seed", range(20))
def test_a_seed_decides_the_whole_game(seed: int) -> None:
    """The same moves against the same seed meet the same answers, also in an environment used before."""

    def play(env: TicTacToe) -> list[Any]:
        observation, ended, seen = env.reset(seed=seed)[0], False, []
        while not ended:
            observation, reward, ended, _, _ = env.step(int(np.flatnonzero(observation[2 * FIELDS :])[-1]))
            seen.append((observation.tolist(), reward))
        return seen

    env = TicTacToe()

    assert play(env) == play(env) == play(TicTacToe())


def test_the_data_set_is_as_declared() -> None:
    """Sizes, fields and observations as the listing shows them; a win is a reward of 1."""
    splits = load(LoadContext(Path("/nonexistent"), None, Path("/nonexistent")))

    assert DATASET.sizes == (len(splits.train), len(splits.test))
    assert DATASET.classes == len(set(splits.classes)) == FIELDS
    assert splits.environment is not None
    env = splits.environment()
    assert env.observation_space.shape == DATASET.shape
    assert env.spec is not None
    assert env.spec.reward_threshold == 1.0
