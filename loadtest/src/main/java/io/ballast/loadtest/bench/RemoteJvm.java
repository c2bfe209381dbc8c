package io.ballast.loadtest.bench;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** Another JVM on this machine, of the same user. */
final class RemoteJvm {
  private RemoteJvm() {}

  /** Attaches to a process, which is one that this one started: what it serialises is ours. */
  @SuppressWarnings("BanJNDI")
  static JMXConnector connect(ProcessHandle process) throws IOException {
    JMXServiceURL address;
    try {
      VirtualMachine machine = VirtualMachine.attach(Long.toString(process.pid()));
      try {
        address = new JMXServiceURL(machine.startLocalManagementAgent());
      } finally {
        machine.detach();
      }
    } catch (AttachNotSupportedException e) {
      throw new IOException("process " + process.pid() + " cannot be looked into", e);
    }
    return JMXConnectorFactory.connect(address);
  }
}
