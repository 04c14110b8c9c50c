"""Pictures from latent space: priors, paths, posteriors, and how a network's output becomes a picture."""
