"""What tests share: tiny data, stand-ins, servers and runs; processes that tests start import it too."""
