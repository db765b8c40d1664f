"""How much trial and error an agent needs until it acts well: a pole to balance, and a game to win.

The policy network of article 000 learns CartPole by REINFORCE, ten episodes an update; the agent of article 003 learns
tic-tac-toe against a player of pure chance, a hundred games an update. Both use Adam at 0.01 and rewards discounted by 0.99 a
step.

- `episodes_to_150`: training episodes until the mean return of the last fifty is first 150; all episodes played, a lower
  bound, where it never is.
- `return_trained`: mean return of the trained policy over the test episodes; `return_chance`: of pure chance.
- `wins_trained`, `wins_chance`: share of the test games won, of all, draws included; likewise.

Source: article 000, sections 2 and 3.4; article 003, section 3.4; Williams 1992.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import nn

from harness.experiments import Experiment, Setting
from harness.options import check_count

SOLVED, WINDOW = 150.0, 50
EPISODES, GAMES = 10, 100
RATE = 1e-2


def run(setting: Setting, *, updates: int = 40, game_updates: int = 60) -> dict[str, float | None]:
    """Return the outcomes that the module's docstring defines.

    Args:
        setting: its streams give weights, starts and actions.
        updates: of the policy that balances.
        game_updates: of the agent that plays.

    Raises:
        UsageError: an option that is not allowed.
    """
    check_count("updates", updates, WINDOW // EPISODES, 10_000)
    check_count("game_updates", game_updates, 1, 10_000)
    cart = setting.data("cartpole", train_episodes=updates * EPISODES, test_episodes=50, validation_episodes=1)
    policy = setting.model("p000_rl_policy", setting.spec(cart))
    seen = setting.train(policy, cart, steps=updates, batch_size=EPISODES, lr=RATE, task="policy_gradient")
    trained, chance = (
        setting.score(each, cart.test, "policy_gradient", splits=cart) for each in (policy, without_opinion(policy))
    )
    setting.report(1, 2)
    board = setting.data("tictactoe", train_episodes=game_updates * GAMES, test_episodes=500, validation_episodes=1)
    agent = setting.model("p003_game", setting.spec(board))
    setting.train(agent, board, steps=game_updates, batch_size=GAMES, lr=RATE, task="policy_gradient")
    won, by_chance = (
        setting.score(each, board.test, "policy_gradient", splits=board) for each in (agent, without_opinion(agent))
    )
    setting.report(2, 2)
    return {
        "episodes_to_150": episodes_until(seen.episode_returns.tolist(), SOLVED, WINDOW),
        "return_trained": trained["mean_return"],
        "return_chance": chance["mean_return"],
        "wins_trained": won["win_rate"],
        "wins_chance": by_chance["win_rate"],
    }


def episodes_until(returns: Sequence[float], wanted: float, window: int) -> int:
    """Return after how many episodes the mean of the last `window` returns first is `wanted`; all of them if it never is."""
    for last in range(window, len(returns) + 1):
        if sum(returns[last - window : last]) >= wanted * window:
            return last
    return len(returns)


def without_opinion(policy: nn.Module) -> nn.Module:
    """Return a copy of the policy with all weights 0: every action that is allowed is then equally likely."""
    blank = copy.deepcopy(policy)
    with torch.no_grad():
        for parameter in blank.parameters():
            parameter.zero_()
    return blank


EXPERIMENT = Experiment(
    run=run,
    title="Trials until an agent acts well",
    outcomes={
        "episodes_to_150": "{episode}",
        "return_trained": "1",
        "return_chance": "1",
        "wins_trained": "1",
        "wins_chance": "1",
    },
    metric_class="quality",
    source="article 000, sections 2 and 3.4; Williams 1992",
)
