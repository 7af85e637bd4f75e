// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>A server or keeper cannot do what it was asked; the message says why and what to do.</summary>
/// <param name="message">One sentence.</param>
/// <param name="inner">What caused it, or null.</param>
public sealed class IvshmemException(string message, Exception? inner = null) : TomboloException(message, inner);
