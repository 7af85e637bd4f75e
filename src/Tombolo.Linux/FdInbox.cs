// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>Descriptors that came in with a message, until somebody takes them; what nobody took is closed on dispose.</summary>
/// <remarks>Not thread-safe: it belongs to the loop that reads the socket.</remarks>
public sealed class FdInbox : IDisposable
{
    private readonly Queue<SafeFd> _fds = new();

    /// <summary>How many descriptors wait to be taken.</summary>
    public int Count => _fds.Count;

    /// <summary>True once a message carried more descriptors than could be received (MSG_CTRUNC): the rest are lost, mostly because this process has too many open.</summary>
    public bool WasTruncated { get; internal set; }

    /// <summary>Takes the oldest descriptor.</summary>
    /// <param name="fd">The descriptor, which the caller owns from now on.</param>
    /// <returns>False where none waits.</returns>
    public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out SafeFd? fd) => _fds.TryDequeue(out fd);

    /// <summary>Closes every descriptor that nobody took.</summary>
    public void Clear()
    {
        while (_fds.TryDequeue(out SafeFd? fd)) fd.Dispose();
        WasTruncated = false;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    internal void Add(SafeFd fd) => _fds.Enqueue(fd);
}
