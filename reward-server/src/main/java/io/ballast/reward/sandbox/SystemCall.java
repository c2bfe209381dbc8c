package io.ballast.reward.sandbox;

import java.util.EnumSet;
import java.util.Set;

/**
 * Calls of Linux, with their numbers in {@code asm/unistd.h} on x86-64 and on AArch64, where some
 * old ones are absent.
 */
enum SystemCall {
  WRITE(1, 64),
  DUP(32, 23),
  DUP3(292, 24),
  OPEN(2, SystemCall.ABSENT),
  OPENAT(257, 56),
  PRCTL(157, 167),
  SECCOMP(317, 277),
  CLONE(56, 220),
  CLONE3(435, 435),
  TGKILL(234, 131),

  // other programs, other processes
  FORK(57, SystemCall.ABSENT),
  VFORK(58, SystemCall.ABSENT),
  EXECVE(59, 221),
  EXECVEAT(322, 281),
  KILL(62, 129),
  TKILL(200, 130),
  RT_SIGQUEUEINFO(129, 138),
  RT_TGSIGQUEUEINFO(297, 240),
  PIDFD_OPEN(434, 434),
  PIDFD_SEND_SIGNAL(424, 424),
  PIDFD_GETFD(438, 438),
  PTRACE(101, 117),
  PROCESS_VM_READV(310, 270),
  PROCESS_VM_WRITEV(311, 271),
  // the network
  SOCKET(41, 198),
  IO_URING_SETUP(425, 425),
  // the machine
  BPF(321, 280),
  PERF_EVENT_OPEN(298, 241),
  USERFAULTFD(323, 282),
  ADD_KEY(248, 217),
  REQUEST_KEY(249, 218),
  KEYCTL(250, 219),
  UNSHARE(272, 97),
  SETNS(308, 268),
  MOUNT(165, 40),
  UMOUNT2(166, 39),
  PIVOT_ROOT(155, 41),
  CHROOT(161, 51),
  OPEN_TREE(428, 428),
  OPEN_TREE_ATTR(467, 467),
  MOVE_MOUNT(429, 429),
  FSOPEN(430, 430),
  FSPICK(433, 433),
  MOUNT_SETATTR(442, 442),
  OPEN_BY_HANDLE_AT(304, 265),
  MEMFD_CREATE(319, 279),

  CREAT(85, SystemCall.ABSENT),
  OPENAT2(437, 437),
  TRUNCATE(76, 45),
  UNLINK(87, SystemCall.ABSENT),
  UNLINKAT(263, 35),
  RENAME(82, SystemCall.ABSENT),
  RENAMEAT(264, 38),
  RENAMEAT2(316, 276),
  MKDIR(83, SystemCall.ABSENT),
  MKDIRAT(258, 34),
  RMDIR(84, SystemCall.ABSENT),
  LINK(86, SystemCall.ABSENT),
  LINKAT(265, 37),
  SYMLINK(88, SystemCall.ABSENT),
  SYMLINKAT(266, 36),
  CHMOD(90, SystemCall.ABSENT),
  FCHMOD(91, 52),
  FCHMODAT(268, 53),
  FCHMODAT2(452, 452),
  CHOWN(92, SystemCall.ABSENT),
  FCHOWN(93, 55),
  LCHOWN(94, SystemCall.ABSENT),
  FCHOWNAT(260, 54),
  MKNOD(133, SystemCall.ABSENT),
  MKNODAT(259, 33),
  UTIME(132, SystemCall.ABSENT),
  UTIMES(235, SystemCall.ABSENT),
  FUTIMESAT(261, SystemCall.ABSENT),
  UTIMENSAT(280, 88),
  SETXATTR(188, 5),
  LSETXATTR(189, 6),
  FSETXATTR(190, 7),
  REMOVEXATTR(197, 14),
  LREMOVEXATTR(198, 15),
  FREMOVEXATTR(199, 16),
  SETXATTRAT(463, 463),
  REMOVEXATTRAT(466, 466),
  FILE_SETATTR(469, 469);

  static final int ABSENT = -1;

  /** What no test needs: other programs and processes, the network, the machine. */
  static final Set<SystemCall> NEEDLESS = EnumSet.range(FORK, MEMFD_CREATE);

  /** What changes files, beside opening them to write. */
  static final Set<SystemCall> CHANGES = EnumSet.range(CREAT, FILE_SETATTR);

  final int x86;
  final int arm;

  SystemCall(int x86, int arm) {
    this.x86 = x86;
    this.arm = arm;
  }
}
