"""Weights in training in a mesh, for training loops of your own.

:class:`Session` adds gradients, steps, samples, saves and loads; the mathematics is the caller's, or that of a named :class:`Objective`.
"""

from ballast.learner.batch import Group, GroupNumbers, Numbers, Objective, TrainingCompletion
from ballast.learner.operation import ForwardBackwardResult, LoadResult, Operation, SaveResult, StepResult
from ballast.learner.session import Adapters, Checkpoint, OpenSession, Optimizer, Session

__all__ = [
    "Adapters",
    "Checkpoint",
    "ForwardBackwardResult",
    "Group",
    "GroupNumbers",
    "LoadResult",
    "Numbers",
    "Objective",
    "OpenSession",
    "Operation",
    "Optimizer",
    "SaveResult",
    "Session",
    "StepResult",
    "TrainingCompletion",
]
