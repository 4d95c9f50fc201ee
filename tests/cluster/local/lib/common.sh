# shellcheck shell=bash
# What do the sandbox and its nodes share? Sourced by their scripts, by up.sh and by down.sh. S is the cluster's state
# folder.

# keep NAME COMMAND...: run a component and start it again whenever it ends, as an init system would. While
# STATE/hold/NAME exists it stays down (see fault).
keep() {
  local name=$1
  shift
  (
    while :; do
      while [ -e "$S/hold/$name" ]; do sleep 0.2; done
      "$@" >> "$S/log/$name.log" 2>&1 &
      echo $! > "$S/pid/$name"
      wait $! || echo "$name ended with $?" | tee -a "$S/log/$name.log" >> "$S/log/ended"
      sleep 0.5
    done
  ) &
}

# join_cgroup NAME: enter a child, NAME, of the current cgroup in every v1 hierarchy, so that all that starts from here
# stays below it. Prints its folders.
join_cgroup() {
  local lines controllers path group file
  lines=$(cat /proc/self/cgroup) # at once: what it says changes as we move
  while IFS=: read -r _ controllers path; do
    controllers=${controllers#name=}
    [ -n "$controllers" ] || continue # the v2 hierarchy: not used
    group=/sys/fs/cgroup/$controllers${path%/}/$1
    mkdir -p "$group"
    if [ "$controllers" = cpuset ]; then # a new cpuset is empty and takes no process
      for file in cpuset.cpus cpuset.mems; do cat "$group/../$file" > "$group/$file"; done
    fi
    echo $BASHPID > "$group/cgroup.procs"
    echo "$group"
  done <<< "$lines"
}

# is_sandbox PID: a pid from a file may have gone to another process since.
is_sandbox() { [ -r "/proc/$1/cmdline" ] && tr '\0' ' ' < "/proc/$1/cmdline" 2>/dev/null | grep -q lib/sandbox.sh; }

# kernel_mounts ROOT: /proc, /sys, /run and the cgroup hierarchies as the namespaces of this process show them, below
# ROOT.
kernel_mounts() {
  local root=$1 controllers option
  mount -t proc proc "$root/proc"
  umount -l -R "$root/sys" 2>/dev/null || true
  mount -t sysfs sysfs "$root/sys"
  mount -t tmpfs -o mode=755,size=1m tmpfs "$root/sys/fs/cgroup"
  while IFS=: read -r _ controllers _; do
    [ -n "$controllers" ] || continue
    option=$controllers
    # Without the hierarchy name=systemd containerd reports no OOM kill.
    case $controllers in name=*) option=none,$controllers ;; esac
    mkdir "$root/sys/fs/cgroup/${controllers#name=}"
    mount -t cgroup -o "$option" cgroup "$root/sys/fs/cgroup/${controllers#name=}"
  done < /proc/self/cgroup
  mount -t tmpfs -o mode=755 tmpfs "$root/run"
  mkdir -p "$root/run/netns" "$root/run/lock"
}
