// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Memory;

/// <summary>A way to wake one party. On the host it is an eventfd.</summary>
/// <remarks>Rings coalesce: a doorbell carries no count, only "look". Thread-safe.</remarks>
public sealed class Doorbell : IDisposable
{
    /// <summary>Wraps an eventfd.</summary>
    /// <param name="descriptor">An eventfd; this object owns it from now on.</param>
    public Doorbell(SafeFd descriptor) => Descriptor = descriptor;

    /// <summary>The eventfd, borrowed: wait on it with <see cref="Epoll"/>.</summary>
    public SafeFd Descriptor { get; }

    /// <summary>Makes a new doorbell.</summary>
    /// <exception cref="LinuxException">No descriptor is left.</exception>
    public static Doorbell Create() => new(EventFd.Create());

    /// <summary>Wakes the owner.</summary>
    /// <returns>False where the descriptor took nothing: a ring is pending already, or the descriptor is no eventfd.</returns>
    public bool Ring() => EventFd.Signal(Descriptor);

    /// <summary>Takes the pending rings, if there are any.</summary>
    /// <returns>False where nobody rang since the last call.</returns>
    public bool TryTake() => EventFd.TryRead(Descriptor, out _);

    /// <summary>Closes the descriptor.</summary>
    public void Dispose() => Descriptor.Dispose();
}
