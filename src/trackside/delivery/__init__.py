"""Sends what is in the log to every destination, each at its own pace.

    engine → fleet → worker → lanes (live, retries, replay) → sender → a destination
              └→ feed ┘                                    └→ ledger → the subscription

`state.decide` says what follows from an outcome; everything else here only carries that out.
"""

from trackside.delivery.engine import DeliveryEngine
from trackside.delivery.lock import is_held
from trackside.delivery.worker import DeliveryWorker

__all__ = ["DeliveryEngine", "DeliveryWorker", "is_held"]
