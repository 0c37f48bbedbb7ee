"""Code that `gan` and `style_transfer` share; it imports neither of them."""
