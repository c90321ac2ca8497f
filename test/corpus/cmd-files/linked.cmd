savedcmd_net/core/built-in.a := rm -f net/core/built-in.a; ar cDPrST net/core/built-in.a net/core/sample.o
