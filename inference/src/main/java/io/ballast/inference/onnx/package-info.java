/** Scoring heads on a frozen decoder, written as one ONNX graph and run by ONNX Runtime. */
@NullMarked
package io.ballast.inference.onnx;

import org.jspecify.annotations.NullMarked;
