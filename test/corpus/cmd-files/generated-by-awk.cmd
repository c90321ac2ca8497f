savedcmd_lib/raid6/int1.c := awk -v N=1 -f ./lib/raid6/unroll.awk < lib/raid6/int.uc > lib/raid6/int1.c
