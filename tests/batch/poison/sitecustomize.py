"""Makes a guarded recogniser's Pillow end its process at pictures that begin with POISON and how: for tests, by PYTHONPATH."""

import sys

if "mien.worker" in sys.orig_argv:
    import os
    import signal
    import time

    from PIL import Image

    def read(file, name):
        word = file.read(20)[6:].split()[0]
        if word == b"exit":
            os._exit(7)
        if word == b"segv":
            os.kill(os.getpid(), signal.SIGSEGV)
        if word == b"sleep":
            time.sleep(600)
        if word == b"memory":
            bytearray(8 << 30)
        raise SyntaxError("an antidote")

    Image.register_open("POISON", read, lambda head: head.startswith(b"POISON"))
    Image.preinit()
