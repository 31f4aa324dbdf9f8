"""The costs of the function, the program and the policy pack, each compared with what it is built on."""
