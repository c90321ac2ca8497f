savedcmd_arch/arm64/boot/dts/sample/board.dtb := gcc -E -Wp,-MMD,arch/arm64/boot/dts/sample/.board.dtb.d.pre.tmp -nostdinc -I./scripts/dtc/include-prefixes -undef -D__DTS__ -x assembler-with-cpp -o arch/arm64/boot/dts/sample/.board.dtb.dts.tmp arch/arm64/boot/dts/sample/board.dts ; ./scripts/dtc/dtc -o arch/arm64/boot/dts/sample/board.dtb -b 0 -d arch/arm64/boot/dts/sample/.board.dtb.d.dtc.tmp arch/arm64/boot/dts/sample/.board.dtb.dts.tmp ; cat arch/arm64/boot/dts/sample/.board.dtb.d.pre.tmp arch/arm64/boot/dts/sample/.board.dtb.d.dtc.tmp > arch/arm64/boot/dts/sample/.board.dtb.d

source_arch/arm64/boot/dts/sample/board.dtb := arch/arm64/boot/dts/sample/board.dts

deps_arch/arm64/boot/dts/sample/board.dtb := \
  arch/arm64/boot/dts/sample/soc.dtsi \
  scripts/dtc/include-prefixes/dt-bindings/clock/sample.h \

arch/arm64/boot/dts/sample/board.dtb: $(deps_arch/arm64/boot/dts/sample/board.dtb)

$(deps_arch/arm64/boot/dts/sample/board.dtb):
