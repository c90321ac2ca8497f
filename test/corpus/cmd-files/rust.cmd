savedcmd_drivers/sample/sample.o := OBJTREE=/srv/build RUST_MODFILE=drivers/sample/sample rustc --edition=2021 -Cpanic=abort @./include/generated/rustc_cfg --cfg MODULE --out-dir drivers/sample --emit=dep-info=drivers/sample/.sample.o.d --emit=obj=drivers/sample/sample.o --crate-type rlib drivers/sample/sample.rs

source_drivers/sample/sample.o := drivers/sample/sample.rs

deps_drivers/sample/sample.o := \
  drivers/sample/part.rs \
  rust/libkernel.rmeta \

drivers/sample/sample.o: $(deps_drivers/sample/sample.o)

$(deps_drivers/sample/sample.o):
