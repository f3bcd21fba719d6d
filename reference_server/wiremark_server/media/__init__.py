"""Images as tasks: asked for, paid at once, made in the background, told by webhook, refunded on failure."""
