"""The model as it stands on chain, back as a scikit-learn estimator."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from dcai_compile.chain.audit import replay_to_the_end
from dcai_compile.deployment import Deployment
from dcai_compile.errors import DeploymentMismatch, InvalidOption


def pulled(deployment: Deployment) -> tuple[Any, int]:
    """The estimator, and how many contributions it has learned.

    Raises `DeploymentMismatch` where the chain's parameters are not what its events explain.
    """
    mirror, contributions, equal = replay_to_the_end(deployment)
    if not equal:
        raise DeploymentMismatch(
            "the parameters on chain are not what the contributions explain",
            hint="use a node that gives all events since the deployment; if it does, please report this",
            address=deployment.classifier,
        )
    return mirror.to_estimator(), len(contributions)


def pull(deployment: Deployment, target: Path) -> dict[str, Any]:
    """Write the estimator to a ``.skops`` file; returns what to tell about it."""
    import skops.io

    if target.suffix != ".skops":
        raise InvalidOption(
            f"{target} does not end with .skops",
            hint="name the file model.skops",
            option="out",
            value=str(target),
        )
    estimator, count = pulled(deployment)
    temporary = target.with_name(f".{target.name}.part")
    try:
        skops.io.dump(estimator, temporary)
        temporary.replace(target)
    except OSError as error:
        raise InvalidOption(
            f"{target} cannot be written: {error}",
            hint="choose a folder that you may write",
            option="out",
            value=str(target),
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return {"estimator": type(estimator).__name__, "contributions": count}
