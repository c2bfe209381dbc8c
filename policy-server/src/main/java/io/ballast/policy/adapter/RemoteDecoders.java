package io.ballast.policy.adapter;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.OpenAiDecoder;
import io.ballast.inference.remote.OpenAiSettings;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.triton.KServeClient;
import io.ballast.inference.triton.KServeConnection;
import io.ballast.inference.triton.KServeSecurity;
import io.ballast.inference.triton.KServeSettings;
import io.ballast.inference.triton.ServedModel;
import io.ballast.inference.triton.TensorRtLlmDecoder;
import io.ballast.inference.triton.VllmDecoder;
import io.ballast.kit.call.BearerToken;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.ModelFaults;
import io.ballast.policy.core.version.DecoderLoader;
import io.ballast.policy.core.version.FolderFacts;
import io.ballast.policy.core.version.LoadedDecoder;
import io.ballast.policy.core.version.RemoteVersion;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Versions that other servers run, and behind them those of another loader. Thread-safe.
 *
 * <p>Nobody tells the checksum of weights that are elsewhere. What stands for it is the SHA-256 of
 * where they are: kind, address, name there and tokenizer. A certificate for a remote version holds
 * for that place, whatever is served there later.
 */
public final class RemoteDecoders implements DecoderLoader {
  private final List<RemoteVersion> remotes;
  private final DecoderLoader others;
  private final Function<String, @Nullable String> environment;

  /**
   * @param others has all versions that are not remote
   * @param environment gives a variable's value
   */
  public RemoteDecoders(
      List<RemoteVersion> remotes,
      DecoderLoader others,
      Function<String, @Nullable String> environment) {
    this.remotes = List.copyOf(remotes);
    this.others = others;
    this.environment = environment;
  }

  @Override
  public FolderFacts inspect(String model, String version) {
    Optional<RemoteVersion> remote = find(model, version);
    return remote.isPresent() ? inspect(remote.get()) : others.inspect(model, version);
  }

  /** {@inheritDoc} A remote version has none: what stands for its weights is its place. */
  @Override
  public String folderSha256(String model, String version) {
    return find(model, version).isPresent() ? "" : others.folderSha256(model, version);
  }

  @Override
  public LoadedDecoder load(PinnedVersion version) {
    Optional<RemoteVersion> remote = find(version.model(), version.version());
    return remote.isPresent()
        ? new LoadedDecoder(load(remote.get(), version), "")
        : others.load(version);
  }

  private Optional<RemoteVersion> find(String model, String version) {
    return remotes.stream().filter(remote -> remote.is(model, version)).findFirst();
  }

  private static FolderFacts inspect(RemoteVersion remote) {
    try {
      DecoderConfig config = DecoderConfig.read(remote.folder());
      return new FolderFacts(
          placeSha256(remote), config.parameterCount(), contextTokens(remote, config));
    } catch (ModelException e) {
      throw ModelFaults.toCallFailure(e, message -> withoutPath(remote, message));
    }
  }

  private Decoder load(RemoteVersion remote, PinnedVersion version) {
    try {
      String place = placeSha256(remote);
      if (!place.equals(version.weightsSha256())) {
        throw new MeshException(
            Fault.PRECONDITION_FAILED,
            "version %s of %s was registered for another server, name or tokenizer than it is configured with; give it another version"
                .formatted(version.version(), version.model()),
            Map.of("model", version.model(), "version", version.version()));
      }
      int context = contextTokens(remote, DecoderConfig.read(remote.folder()));
      return switch (remote.kind()) {
        case OPENAI -> openAi(remote, context);
        case VLLM -> behindTriton(remote, context, VllmDecoder::open);
        case TENSORRT_LLM -> behindTriton(remote, context, TensorRtLlmDecoder::open);
      };
    } catch (ModelException e) {
      throw openFailure(remote, e);
    }
  }

  /** What the server lacks is its operator's affair: no caller's request is at fault. */
  private static MeshException openFailure(RemoteVersion remote, ModelException e) {
    return e.reason() == ModelException.Reason.UNSUPPORTED
        ? new MeshException(
            Fault.DEPENDENCY_BROKEN, withoutPath(remote, String.valueOf(e.getMessage())), e)
        : ModelFaults.toCallFailure(e, message -> withoutPath(remote, message));
  }

  private Decoder openAi(RemoteVersion remote, int context) {
    OpenAiSettings settings =
        new OpenAiSettings(
            URI.create(remote.url()),
            remote.servedModel(),
            token(remote),
            context,
            remote.timeout());
    return new OpenAiDecoder(settings, HuggingFaceTokenizerAdapter.ofFolder(remote.folder()));
  }

  /** Opens a decoder on a server that is connected. */
  private interface Opening {
    Decoder open(
        KServeClient client, ServedModel model, Supplier<Tokenizer> tokenizer, int contextTokens);
  }

  /** A tokenizer that is read when it is asked for: native, and large. */
  private static final class LateTokenizer implements Supplier<Tokenizer> {
    private final Path folder;
    private @Nullable HuggingFaceTokenizerAdapter read;

    LateTokenizer(Path folder) {
      this.folder = folder;
    }

    @Override
    public Tokenizer get() {
      HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(folder);
      read = tokenizer;
      return tokenizer;
    }

    void closeIfRead() {
      if (read != null) {
        read.close();
      }
    }
  }

  private Decoder behindTriton(RemoteVersion remote, int context, Opening opening) {
    KServeSecurity plain = remote.encrypted() ? KServeSecurity.tls() : KServeSecurity.none();
    KServeSecurity security = token(remote).map(plain::withBearerToken).orElse(plain);
    KServeSettings settings =
        KServeSettings.defaults()
            .withInferDeadline(remote.timeout())
            .withDrainStreams(remote.drainStreams())
            .withSecurity(security);
    KServeConnection connection = KServeConnection.open(remote.url(), settings);
    LateTokenizer tokenizer = new LateTokenizer(remote.folder());
    try {
      return new ConnectedDecoder(
          opening.open(
              connection.client(), ServedModel.of(remote.servedModel()), tokenizer, context),
          connection);
    } catch (RuntimeException e) {
      tokenizer.closeIfRead();
      connection.close();
      throw e;
    }
  }

  /** What the server demands; never shown. */
  private Optional<String> token(RemoteVersion remote) {
    try {
      return BearerToken.read(
          "version %s of %s: ".formatted(remote.version(), remote.model()),
          remote.tokenFile(),
          remote.tokenVariable(),
          environment);
    } catch (IllegalArgumentException e) {
      throw new MeshException(Fault.PRECONDITION_FAILED, String.valueOf(e.getMessage()), e);
    }
  }

  private static int contextTokens(RemoteVersion remote, DecoderConfig config) {
    return remote.contextTokens().orElse(config.contextTokens());
  }

  private static String placeSha256(RemoteVersion remote) {
    Path tokenizer = remote.folder().resolve("tokenizer.json");
    try {
      String place =
          String.join(
              "\n", remote.kind().name(), remote.url(), remote.servedModel(), Sha256.of(tokenizer));
      return Sha256.of(place);
    } catch (IOException e) {
      throw new ModelException(
          ModelException.Reason.INVALID_FOLDER, tokenizer + ": cannot be read", e);
    }
  }

  /** Folders of this machine are nobody's business. */
  private static String withoutPath(RemoteVersion remote, String message) {
    return message.replace(
        remote.folder().toString(), remote.model() + "/" + remote.version() + " (remote)");
  }
}
