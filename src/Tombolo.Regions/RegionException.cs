// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Regions;

/// <summary>A region cannot be served, opened or used. The message is one sentence: what, the value, the limit, the way out.</summary>
/// <param name="message">That sentence.</param>
/// <param name="cause">What led to it, or null.</param>
public sealed class RegionException(string message, Exception? cause = null) : TomboloException(message, cause)
{
    /// <summary>The other end of a conversation hung up in the middle of it.</summary>
    internal bool IsHangUp { get; init; }
}
