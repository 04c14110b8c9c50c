"""The chapters of the demo in order: a new endpoint adds its own here."""

from collections.abc import Callable

from podium_client.demo.digits import show_digits
from podium_client.demo.filters import show_filters
from podium_client.demo.lifecycle import show_health, show_lifecycle, show_models
from podium_client.demo.open_inference import show_open_inference
from podium_client.demo.photos import show_photos
from podium_client.demo.pictures import show_pictures
from podium_client.demo.server_metrics import show_metrics
from podium_client.demo.stage import Stage

CHAPTERS: tuple[Callable[[Stage], None], ...] = (
    show_health,
    show_models,
    show_photos,
    show_digits,
    show_pictures,
    show_open_inference,
    show_lifecycle,
    show_metrics,
    show_filters,
)
