"""`podium demo`: serves the bundled models, calls everything there is, and checks the answers.

One module a chapter, each with a function that takes the `Stage`; `story.py` puts them in order.
"""
