"""What no launcher can be. Each module reads what was given and says what is wrong with it: `field: what`. Pure."""
