/** What the demo measures: judged suggestions, intervals that respect files, rankings, gates. */
@NullMarked
package io.ballast.standalone.demo.measure;

import org.jspecify.annotations.NullMarked;
