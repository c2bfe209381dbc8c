"""A client of a Ballast mesh, for trainers.

- :class:`Mesh` is the connection, :class:`Tls` what encrypts it.
- :class:`ballast.trl.BallastReward` is a reward function for TRL.
- :mod:`ballast.promotion` takes what was saved through a safety test to an alias.
- :class:`ballast.scoring.Scorer`, :class:`ballast.rollout.Rollout` and :class:`ballast.learner.Session` are for loops of your own.
- :mod:`ballast.errors` says what a mesh refuses; the generated stubs are ``ballast.<service>.v1``.
"""

from ballast.client import Mesh
from ballast.errors import AllItemsFailed, BallastError, ItemFailure
from ballast.tls import Tls

__all__ = ["AllItemsFailed", "BallastError", "ItemFailure", "Mesh", "Tls"]
