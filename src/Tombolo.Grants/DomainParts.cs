// SPDX-License-Identifier: MIT
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>What a domain made and has not let go: grants, mappings, ports. They end with the domain. Thread-safe.</summary>
internal sealed class DomainParts(DomainId id)
{
    private readonly Lock _gate = new();   // guards the rest
    private readonly HashSet<IDisposable> _parts = [];
    private bool _isEnded;

    /// <summary>Keeps a part until it says that it is gone.</summary>
    /// <exception cref="ObjectDisposedException">The domain has left; the part is disposed.</exception>
    public T Keep<T>(T part) where T : IDisposable
    {
        lock (_gate)
            if (!_isEnded)
            {
                _ = _parts.Add(part);
                return part;
            }
        part.Dispose();
        throw new ObjectDisposedException(nameof(IDomain), $"Domain {id} has left.");
    }

    /// <summary>Lets a part go that is gone.</summary>
    /// <returns>False where it was not kept.</returns>
    public bool Forget(IDisposable part)
    {
        lock (_gate) return _parts.Remove(part);
    }

    /// <summary>Ends every part; none is kept any more.</summary>
    /// <returns>False where that was done before.</returns>
    public bool TryEnd()
    {
        IDisposable[] parts;
        lock (_gate)
        {
            if (_isEnded) return false;
            _isEnded = true;
            parts = [.. _parts];
        }
        foreach (IDisposable part in parts) part.Dispose();
        return true;
    }
}
