"""The same books for eyes: pages rendered here, without a script and without another host."""
