// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>The addresses of which it was said that nobody has them: each once, and not more than so many. <see cref="_lock"/> guards the set.</summary>
internal sealed class UnknownMacs
{
    /// <summary>A guest that invents addresses shall not fill the log.</summary>
    public const int Most = 256;

    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _said = new(Most);
    private volatile bool _isFull;

    public bool IsNew(ulong mac, out bool isLast)
    {
        isLast = false;
        if (_isFull) return false;
        lock (_lock)
        {
            if (_said.Count >= Most || !_said.Add(mac)) return false;
            _isFull = isLast = _said.Count == Most;
            return true;
        }
    }
}
