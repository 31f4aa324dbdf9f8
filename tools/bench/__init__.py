"""What the function, the program and the policy pack cost, each against what it is made of."""
