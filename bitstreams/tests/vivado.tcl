# A stand-in for Vivado: records every command that Tcl itself does not have. Arguments: script, record, bitstream
# folder, version, progress, slack.
lassign $argv script record folder version progress slack
set log [open $record w]
proc unknown {args} {
  global log
  puts $log $args
  return ""
}
proc version {args} { global version; return $version }
proc get_runs {name} { return $name }
proc get_files {name} { return $name }
proc get_ports {name} { global log; puts $log [list get_ports $name]; return $name }
proc get_property {name of} {
  global progress slack folder
  switch $name {
    PROGRESS { return $progress }
    STATS.WNS { return $slack }
    DIRECTORY { return $folder }
    default { error "unknown property $name" }
  }
}
set argv {}
source $script
close $log
