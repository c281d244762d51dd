/**
 * The system calls that functions may make, the same for each engine: the engines' default profiles differ by version, and older
 * ones allow io_uring. Calls that are not listed are refused. The list is for processes without capabilities. It excludes what
 * such a process does not need and what most container escapes used: io_uring, kernel AIO, userfaultfd, ptrace and memory of
 * other processes, keys, BPF, perf, namespaces, mounts, and socket families other than local and Internet ones.
 */
export function seccompProfile(): object {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    archMap: [
      { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
      { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    ],
    syscalls: [
      { names: words(anyArguments), action: 'SCMP_ACT_ALLOW' },
      ...socketFamilies.map((family) => allowWith('socket', [equal(0, family)])),
      // Functions may read addresses and routes; they need no other netlink subsystem.
      allowWith('socket', [equal(0, netlink), equal(2, netlinkRoute)]),
      ...personalities.map((persona) => allowWith('personality', [equal(0, persona)])),
      allowWith('clone', [{ index: 0, value: namespaceFlags, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
      // A filter cannot inspect clone3's arguments. Libraries fall back to clone when it fails with ENOSYS.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: noSuchCall },
    ],
  }
}

/** AF_UNIX, AF_INET, AF_INET6. */
const socketFamilies = [1, 2, 10]
const [netlink, netlinkRoute] = [16, 0]
/** Linux, UNAME26, both without address randomisation, and the query of the current value. */
const personalities = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff]
/** CLONE_NEW… flags of mount, cgroup, UTS, IPC, user, PID and network. */
const namespaceFlags = 0x7e020000
const noSuchCall = 38

const anyArguments = `
  read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek _llseek sendfile sendfile64 splice tee vmsplice
  copy_file_range readahead fadvise64 fadvise64_64 arm_fadvise64_64

  open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 flock ioctl pipe pipe2 memfd_create
  stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64 access faccessat faccessat2
  getdents getdents64 getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat symlink symlinkat
  readlink readlinkat mknod mknodat truncate truncate64 ftruncate ftruncate64 fallocate umask
  chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 lchown lchown32 fchownat
  utime utimes futimesat utimensat utimensat_time64 sync syncfs fsync fdatasync sync_file_range sync_file_range2 arm_sync_file_range
  getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch

  poll ppoll ppoll_time64 select _newselect pselect6 pselect6_time64 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait
  epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
  timerfd_create timerfd_settime timerfd_settime64 timerfd_gettime timerfd_gettime64

  socketpair bind connect listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown
  send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64

  brk mmap mmap2 munmap mremap mprotect madvise mincore msync mlock mlock2 mlockall munlock munlockall remap_file_pages membarrier
  pkey_alloc pkey_free pkey_mprotect shmget shmat shmctl shmdt semget semop semctl semtimedop semtimedop_time64
  msgget msgsnd msgrcv msgctl ipc mq_open mq_unlink mq_getsetattr mq_notify mq_timedsend mq_timedsend_time64 mq_timedreceive
  mq_timedreceive_time64

  fork vfork execve execveat exit exit_group wait4 waitid waitpid kill tkill tgkill pidfd_open pidfd_send_signal process_mrelease
  getpid getppid gettid getpgid getpgrp getsid setpgid setsid set_tid_address set_robust_list get_robust_list rseq
  futex futex_time64 futex_waitv set_thread_area get_thread_area set_tls arch_prctl prctl seccomp restart_syscall pause
  landlock_create_ruleset landlock_add_rule landlock_restrict_self cacheflush breakpoint modify_ldt
  rt_sigaction rt_sigprocmask rt_sigpending rt_sigsuspend rt_sigreturn rt_sigqueueinfo rt_tgsigqueueinfo rt_sigtimedwait
  rt_sigtimedwait_time64 sigaltstack sigprocmask sigreturn
  sched_yield sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr
  sched_setattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval sched_rr_get_interval_time64
  getpriority setpriority ioprio_get ioprio_set getcpu getrlimit ugetrlimit setrlimit prlimit64 getrusage

  getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32
  setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32
  setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset

  time times gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep clock_nanosleep_time64 nanosleep
  alarm getitimer setitimer timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  adjtimex clock_adjtime clock_adjtime64 uname sysinfo getrandom
`

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '')

const equal = (index: number, value: number): object => ({ index, value, op: 'SCMP_CMP_EQ' })

const allowWith = (name: string, args: object[]): object => ({ names: [name], action: 'SCMP_ACT_ALLOW', args })
