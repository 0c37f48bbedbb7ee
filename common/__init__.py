"""What the GAN and the style-transfer packages share; knows neither of them."""
