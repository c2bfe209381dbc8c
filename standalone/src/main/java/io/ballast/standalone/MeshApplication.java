package io.ballast.standalone;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.QuarkusApplication;
import io.quarkus.runtime.annotations.QuarkusMain;

/** The process. */
@QuarkusMain
public final class MeshApplication implements QuarkusApplication {
  @Override
  public int run(String... args) {
    System.out.println("up");
    Quarkus.waitForExit();
    return 0;
  }
}
