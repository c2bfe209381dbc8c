package io.ballast.orchestrator.testing;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * Kills a process at its n-th touch of the world outside: ports that are wrapped count before and
 * after each call. What was done before the kill stays done, as after kill -9.
 */
public final class CrashPoints {
  /** Nobody may catch it: the process is gone. */
  public static final class Killed extends Error {
    private static final long serialVersionUID = 1L;

    Killed(String where) {
      super("killed " + where);
    }
  }

  private final int fatal;
  private int passed;
  private String where = "";

  /**
   * @param fatal the touch that kills, counted from 1; 0: none
   */
  public CrashPoints(int fatal) {
    this.fatal = fatal;
  }

  /** How many touches there were. */
  public int passed() {
    return passed;
  }

  /** Where the kill was. */
  public String where() {
    return where;
  }

  /** A touch. */
  public void touch(String what) {
    passed++;
    if (passed == fatal) {
      where = what;
    }
    if (fatal > 0 && passed >= fatal) { // whoever is gone does nothing more
      throw new Killed(what);
    }
  }

  /** Counts the calls of {@code port}; that somebody keeps it in a map touches nothing. */
  public <T> T wrap(Class<T> type, T port) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              String name = type.getSimpleName() + "." + method.getName();
              if (method.getName().equals("close")
                  || method.getDeclaringClass().equals(Object.class)) {
                return invoke(port, method, arguments);
              }
              touch("before " + name);
              Object result = invoke(port, method, arguments);
              touch("after " + name);
              return result;
            }));
  }

  private static Object invoke(Object port, java.lang.reflect.Method method, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(port, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
