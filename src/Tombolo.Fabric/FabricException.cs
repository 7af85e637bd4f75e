// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Fabric;

/// <summary>A fabric cannot be brought up, found or taken down. The message is one sentence: what, the value, the way out.</summary>
/// <param name="message">The sentence.</param>
/// <param name="inner">What caused it, or null.</param>
public sealed class FabricException(string message, Exception? inner = null) : TomboloException(message, inner);
