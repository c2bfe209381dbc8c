package io.ballast.standalone.cli;

import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.RegisterVersionRequest;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes a folder known as a version. */
@Command(
    name = "register",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = "Makes a published model folder, models/MODEL/VERSION, known as a version.")
final class RegisterCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "MODEL", description = "The model.")
  private String model = "";

  @Parameters(index = "1", paramLabel = "VERSION", description = "The version.")
  private String version = "";

  @Option(
      names = "--parent",
      paramLabel = "VERSION",
      defaultValue = "",
      description = "The version that it was trained from.")
  private String parent = "";

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  RegisterCommand(CommandContext context) {
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() {
    try (MeshTarget.Connection mesh = ModelsCommand.connect(target)) {
      PolicyVersion registered =
          ModelsCommand.versions(mesh)
              .registerVersion(
                  RegisterVersionRequest.newBuilder()
                      .setMetadata(target.keyedMetadata(null))
                      .setModel(model)
                      .setVersion(version)
                      .setParentVersion(parent)
                      .build())
              .getVersion();
      printing.document(registered);
      printing.line(
          ModelOptions.text(registered.getVersion())
              + " registered, weights "
              + registered.getVersion().getWeightsSha256());
      return Exit.OK.code();
    }
  }
}
