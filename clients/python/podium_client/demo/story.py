"""The chapters of the demo in order: a new endpoint adds its own here."""

from collections.abc import Callable

from podium_client.demo.captions import show_captions
from podium_client.demo.digits import show_digits
from podium_client.demo.filters import show_filters
from podium_client.demo.forecast import show_forecasts
from podium_client.demo.lifecycle import show_health, show_lifecycle, show_models
from podium_client.demo.likelihoods import show_likelihoods
from podium_client.demo.open_inference import show_open_inference
from podium_client.demo.photos import show_photos
from podium_client.demo.pictures import show_pictures
from podium_client.demo.server_metrics import show_metrics
from podium_client.demo.stage import Stage
from podium_client.demo.texts import show_texts
from podium_client.demo.translations import show_translations
from podium_client.demo.video import show_video

CHAPTERS: tuple[Callable[[Stage], None], ...] = (
    show_health,
    show_models,
    show_photos,
    show_digits,
    show_video,
    show_pictures,
    show_texts,
    show_likelihoods,
    show_captions,
    show_translations,
    show_forecasts,
    show_open_inference,
    show_lifecycle,
    show_metrics,
    show_filters,
)
