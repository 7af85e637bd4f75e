// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Exercise;

/// <summary>The exerciser cannot do what it was asked; the message says why and what to do.</summary>
/// <param name="message">One sentence.</param>
internal sealed class ExerciseException(string message) : TomboloException(message);
