// SPDX-License-Identifier: MIT
namespace Tombolo.Ivshmem;

/// <summary>Chooses IDs for newcomers of a server without sticky slots.</summary>
/// <remarks>
/// A number that left stays burnt until everybody who was connected then has gone too: QEMU 7.2 does not survive the return of an ID that it saw leave.
/// Belongs to the server's loop.
/// </remarks>
internal sealed class IdAllocator
{
    private const int Ids = IvshmemMessage.MaxId + 1;
    private const long Never = long.MinValue;
    private readonly IdPolicy _policy;
    private readonly int _firstId, _end;
    private readonly Random _random;
    private readonly bool[] _inUse = new bool[Ids];
    private readonly long[] _leftAt = CreateFilled();
    private int _next;

    public IdAllocator(IdPolicy policy, int firstId, int seed, int lastId = IvshmemMessage.MaxId)
    {
        (_policy, _end) = (policy, lastId + 1);
        _firstId = _next = firstId;
        _random = new(seed);
    }

    /// <summary>The number that <see cref="IdPolicy.Growing"/> tries first.</summary>
    public int Next => _next;

    /// <summary>Takes an ID.</summary>
    /// <param name="preferred">An ID to take if it may be given, or null.</param>
    /// <param name="oldestJoin">The sequence number of the join of whoever has been connected longest; <see cref="long.MaxValue"/> where nobody is.</param>
    /// <param name="id">The ID.</param>
    /// <returns>False where none may be given.</returns>
    public bool TryTake(int? preferred, long oldestJoin, out int id)
    {
        if (preferred is { } wish && wish >= _firstId && wish < _end && IsFree(wish, oldestJoin))
        {
            id = wish;
        }
        else
        {
            int start = _policy == IdPolicy.Random ? _random.Next(_firstId, _end) : _next;
            id = FindFrom(start, oldestJoin);
            if (id < 0) return false;
            if (_policy == IdPolicy.Growing) _next = id + 1 < _end ? id + 1 : _firstId;
        }
        _inUse[id] = true;
        return true;
    }

    /// <summary>Marks an ID as taken: the resident's, or one found after a restart.</summary>
    public void Reserve(int id) => _inUse[id] = true;

    /// <summary>Gives an ID back.</summary>
    /// <param name="id">The ID.</param>
    /// <param name="sequence">The sequence number of this leave.</param>
    public void Release(int id, long sequence) => (_inUse[id], _leftAt[id]) = (false, sequence);

    /// <summary>After a restart: whatever may have been given before counts as having left just now.</summary>
    /// <param name="next">The number the last server would have tried first.</param>
    /// <param name="wasRound">Whether the numbers had started again, or were drawn: then any may have been given.</param>
    /// <param name="sequence">The present sequence number.</param>
    public void Resume(int next, bool wasRound, long sequence)
    {
        _next = Math.Clamp(next, _firstId, _end - 1);
        int end = wasRound || _policy == IdPolicy.Random ? _end : _next;
        for (int id = _firstId; id < end; id++) _leftAt[id] = sequence;
    }

    private int FindFrom(int start, long oldestJoin)
    {
        for (int id = start; id < _end; id++) if (IsFree(id, oldestJoin)) return id;
        for (int id = _firstId; id < start; id++) if (IsFree(id, oldestJoin)) return id;
        return -1;
    }

    private bool IsFree(int id, long oldestJoin) => !_inUse[id] && _leftAt[id] < oldestJoin;

    private static long[] CreateFilled()
    {
        var all = new long[Ids];
        Array.Fill(all, Never);
        return all;
    }
}
