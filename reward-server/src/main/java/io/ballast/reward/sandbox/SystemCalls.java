package io.ballast.reward.sandbox;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What this process asks of Linux for itself, before untrusted code runs in it: that its report
 * goes where nobody else can write, that nobody may look into its memory, and that it may never
 * again do what no test needs.
 *
 * <p>Source: the kernel's documentation, <i>Seccomp BPF</i>; the numbers are those of {@code
 * asm/unistd.h} of the two machines.
 */
final class SystemCalls {
  private static final int SET_DUMPABLE = 4;
  private static final int SET_NO_NEW_PRIVILEGES = 38;
  private static final int SET_FILTER = 1;
  private static final int OF_ALL_THREADS = 1;
  private static final int FROM_WORKING_FOLDER = -100;
  private static final int READ_WRITE = 2;

  /** Of {@code open}'s flags: write, read and write, create, truncate, a file without a name. */
  private static final int WRITES = 0x1 | 0x2 | 0x40 | 0x200 | 0x400000;

  private static final int THREAD = 0x10000;

  private static final int LOAD = 0x20;
  private static final int JUMP_IF_EQUAL = 0x15;
  private static final int JUMP_IF_AT_LEAST = 0x35;
  private static final int JUMP_IF_ANY_BIT = 0x45;
  private static final int RETURN = 0x06;
  private static final int ALLOW = 0x7fff0000;
  private static final int NOT_PERMITTED = 0x00050000 | 1;
  private static final int NO_SUCH_CALL = 0x00050000 | 38;

  /** Where the filter finds the call's number, the machine, and an argument's lower half. */
  private static final int NUMBER = 0;

  private static final int MACHINE = 4;
  private static final int FIRST_ARGUMENT = 16;
  private static final int ARGUMENT_BYTES = 8;

  /** x86-64's calls of 32-bit pointers have numbers of their own. */
  private static final int X32 = 0x40000000;

  private final Machine machine;
  private final MethodHandle call;

  private SystemCalls(Machine machine, MethodHandle call) {
    this.machine = machine;
    this.call = call;
  }

  private enum Machine {
    X86_64(0xC000003E),
    AARCH64(0xC00000B7);

    private final int id;

    Machine(int id) {
      this.id = id;
    }
  }

  /**
   * Finds the way to Linux.
   *
   * @throws IllegalStateException on a machine whose numbers are not known here
   */
  @SuppressWarnings("restricted") // this module alone may
  static SystemCalls open() {
    String name = System.getProperty("os.arch", "");
    Machine machine =
        switch (name) {
          case "amd64" -> Machine.X86_64;
          case "aarch64" -> Machine.AARCH64;
          default ->
              throw new IllegalStateException(
                  "no filter for " + name + " (expected: amd64, aarch64)");
        };
    Linker linker = Linker.nativeLinker();
    return new SystemCalls(
        machine,
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("syscall"),
            FunctionDescriptor.of(
                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
            Linker.Option.firstVariadicArg(1)));
  }

  /**
   * Moves the standard output to a number that Java code cannot name; what is printed from now on
   * goes nowhere.
   *
   * @return that number, for {@link #write}
   */
  int hideOutput() {
    int hidden = (int) ask(SystemCall.DUP, 1, 0, 0);
    try (Arena arena = Arena.ofConfined()) {
      long nowhere =
          ask(
              SystemCall.OPENAT,
              FROM_WORKING_FOLDER,
              arena.allocateFrom("/dev/null").address(),
              READ_WRITE);
      for (int each = 0; each <= 2; each++) {
        ask(SystemCall.DUP3, nowhere, each, 0);
      }
    }
    return hidden;
  }

  /** Writes at once; at most 4,096 bytes, which a pipe takes whole. */
  void write(int file, byte[] bytes) {
    try (Arena arena = Arena.ofConfined()) {
      ask(SystemCall.WRITE, file, arena.allocateFrom(JAVA_BYTE, bytes).address(), bytes.length);
    }
  }

  /**
   * Gives up, for all threads and for good: other programs and processes, signals to them, sockets,
   * mounts, other processes' memory, and on request every change of a file. What is refused fails
   * as not permitted.
   *
   * @param changesFiles whether files may be changed
   * @throws IllegalStateException if Linux does not let it
   */
  void giveUp(boolean changesFiles) {
    ask(SystemCall.PRCTL, SET_DUMPABLE, 0, 0);
    ask(SystemCall.PRCTL, SET_NO_NEW_PRIVILEGES, 1, 0);
    List<int[]> filter = filter(changesFiles);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment steps = arena.allocate(JAVA_LONG, filter.size());
      for (int i = 0; i < filter.size(); i++) {
        int[] step = filter.get(i);
        steps.set(JAVA_SHORT, i * 8L, (short) step[0]);
        steps.set(JAVA_BYTE, i * 8L + 2, (byte) step[1]);
        steps.set(JAVA_BYTE, i * 8L + 3, (byte) step[2]);
        steps.set(JAVA_INT, i * 8L + 4, step[3]);
      }
      MemorySegment program = arena.allocate(16, 8);
      program.set(JAVA_SHORT, 0, (short) filter.size());
      program.set(JAVA_LONG, 8, steps.address());
      long other = ask(SystemCall.SECCOMP, SET_FILTER, OF_ALL_THREADS, program.address());
      if (other != 0) { // a number of a thread that has a filter which this one does not have
        throw new IllegalStateException("thread " + other + " keeps what the others gave up");
      }
    }
  }

  private List<int[]> filter(boolean changesFiles) {
    List<int[]> steps = new ArrayList<>();
    steps.add(step(LOAD, 0, 0, MACHINE));
    steps.add(step(JUMP_IF_EQUAL, 1, 0, machine.id));
    steps.add(step(RETURN, 0, 0, NOT_PERMITTED));
    steps.add(step(LOAD, 0, 0, NUMBER));
    if (machine == Machine.X86_64) {
      refuse(steps, JUMP_IF_AT_LEAST, X32, NOT_PERMITTED);
    }
    for (SystemCall each : SystemCall.NEEDLESS) {
      refuse(steps, number(each));
    }
    // its flags are in memory, where no filter looks; without it the C library takes clone
    refuse(steps, JUMP_IF_EQUAL, number(SystemCall.CLONE3), NO_SUCH_CALL);
    refuseBy(steps, number(SystemCall.CLONE), 0, JUMP_IF_ANY_BIT, THREAD, false);
    int own = Math.toIntExact(ProcessHandle.current().pid());
    refuseBy(steps, number(SystemCall.TGKILL), 0, JUMP_IF_EQUAL, own, false); // the JVM's own
    if (!changesFiles) {
      for (SystemCall each : SystemCall.CHANGES) {
        refuse(steps, number(each));
      }
      refuseBy(steps, number(SystemCall.OPENAT), 2, JUMP_IF_ANY_BIT, WRITES, true);
      refuseBy(steps, number(SystemCall.OPEN), 1, JUMP_IF_ANY_BIT, WRITES, true);
    }
    steps.add(step(RETURN, 0, 0, ALLOW));
    return steps;
  }

  private static void refuse(List<int[]> steps, int number) {
    refuse(steps, JUMP_IF_EQUAL, number, NOT_PERMITTED);
  }

  private static void refuse(List<int[]> steps, int test, int number, int answer) {
    if (number != SystemCall.ABSENT) {
      steps.add(step(test, 0, 1, number));
      steps.add(step(RETURN, 0, 0, answer));
    }
  }

  /** Refuses a call by whether an argument passes a test, or by whether it does not. */
  private static void refuseBy(
      List<int[]> steps, int number, int argument, int test, int value, boolean passing) {
    if (number != SystemCall.ABSENT) {
      steps.add(step(JUMP_IF_EQUAL, 0, 4, number));
      steps.add(step(LOAD, 0, 0, FIRST_ARGUMENT + argument * ARGUMENT_BYTES));
      steps.add(step(test, passing ? 1 : 0, passing ? 0 : 1, value));
      steps.add(step(RETURN, 0, 0, ALLOW));
      steps.add(step(RETURN, 0, 0, NOT_PERMITTED));
    }
  }

  private static int[] step(int code, int ifSo, int ifNot, int value) {
    return new int[] {code, ifSo, ifNot, value};
  }

  private int number(SystemCall each) {
    return machine == Machine.X86_64 ? each.x86 : each.arm;
  }

  private long ask(SystemCall what, long first, long second, long third) {
    long answer;
    try {
      answer = (long) call.invokeExact((long) number(what), first, second, third, 0L, 0L);
    } catch (Throwable e) {
      throw new IllegalStateException(what.name() + " could not be asked", e);
    }
    if (answer < 0) {
      throw new IllegalStateException("Linux refuses " + what.name().toLowerCase(Locale.ROOT));
    }
    return answer;
  }
}
