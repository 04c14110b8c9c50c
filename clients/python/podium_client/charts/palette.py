"""The colours of charts."""

INK, MUTED, FRAME = "#1f2430", "#6b7280", "#d1d5db"
OBSERVED = "#1f2430"
INSIDE, OUTSIDE = "#2563eb", "#ea580c"
"""Interpolation and extrapolation."""
TRUTH = "#9ca3af"
AHEAD = "#fff4ea"
"""The ground where there is extrapolation."""
