package io.ballast.loadtest.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import javax.management.remote.JMXConnector;

/** The heap of another JVM on this machine, of the same user. */
final class RemoteHeap implements AutoCloseable {
  private final JMXConnector connector;
  private final MemoryMXBean memory;

  private RemoteHeap(JMXConnector connector, MemoryMXBean memory) {
    this.connector = connector;
    this.memory = memory;
  }

  /** Attaches to a process that this one started. */
  static RemoteHeap of(ProcessHandle process) throws IOException {
    JMXConnector connector = RemoteJvm.connect(process);
    return new RemoteHeap(
        connector,
        ManagementFactory.getPlatformMXBean(
            connector.getMBeanServerConnection(), MemoryMXBean.class));
  }

  /** Bytes that are live: what is left after a collection, which this makes happen. */
  long liveBytes() {
    memory.gc();
    return memory.getHeapMemoryUsage().getUsed();
  }

  @Override
  public void close() throws IOException {
    connector.close();
  }
}
