// SPDX-License-Identifier: MIT
namespace Tombolo.Linux;

/// <summary>A mapping in which SIGBUS does not end this process; see <see cref="BusErrorGuard"/>. Dispose it before the mapping.</summary>
public sealed class GuardedRange : IDisposable
{
    private readonly int _index;
    private bool _isDisposed;

    internal GuardedRange(int index) => _index = index;

    /// <summary>Whether some of the memory was not there any more when it was touched. What is read there since is our own, and empty.</summary>
    public bool IsLost => BusErrorGuard.FaultsOf(_index) > 0;

    /// <summary>Ends the guard.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        BusErrorGuard.Release(_index);
    }
}
