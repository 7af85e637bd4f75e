// SPDX-License-Identifier: MIT
using System.Text;

namespace Tombolo.Store;

/// <summary>One caller of the engine: who it is, what it watches, its transactions, and where its replies go.</summary>
internal abstract class StoreSession(DomainId domain)
{
    /// <summary>Room that a reply may take.</summary>
    public const int MessageBytes = 16 + StoreHeader.MaxPayload;

    private readonly Dictionary<uint, StoreTransaction> _transactions = [];
    private uint _lastTransaction;

    public DomainId Domain { get; } = domain;

    /// <summary>Another domain whose rights this one has too (SET_TARGET).</summary>
    public DomainId? Target { get; set; }

    public bool IsPrivileged => Domain.Value == 0;

    /// <summary>Below it are the caller's relative paths.</summary>
    public byte[] Home { get; } = Encoding.ASCII.GetBytes(StorePath.HomeOf(domain));

    public List<StoreWatch> Watches { get; } = [];

    /// <summary>Errors come with a sentence behind the name.</summary>
    public bool WantsDetails { get; set; }

    /// <summary>Some watch is overdue.</summary>
    public bool HasOverdue { get; set; }

    public int TransactionCount => _transactions.Count;

    public IEnumerable<StoreTransaction> Transactions => _transactions.Values;

    public StoreTransaction? Transaction(uint id) => _transactions.GetValueOrDefault(id);

    public StoreTransaction Begin(StoreNode root)
    {
        do _lastTransaction++;
        while (_lastTransaction == 0 || _transactions.ContainsKey(_lastTransaction));
        return Restore(_lastTransaction, root);
    }

    public StoreTransaction Restore(uint id, StoreNode root)
    {
        StoreTransaction transaction = new(id, root);
        _transactions[id] = transaction;
        _lastTransaction = Math.Max(_lastTransaction, id);
        return transaction;
    }

    public void End(uint id) => _ = _transactions.Remove(id);

    public void EndAll() => _transactions.Clear();

    /// <summary>What the caller may do with a node.</summary>
    public StoreAccess AccessTo(StoreNode node) => IsPrivileged ? StoreAccess.Both : AccessBy(node.Permissions);

    /// <summary>What permissions give the caller.</summary>
    public StoreAccess AccessBy(StorePermissions permissions) =>
        Target is { } target && permissions.For(Domain) != StoreAccess.Both ? permissions.For(Domain) | permissions.For(target) : permissions.For(Domain);

    public bool Owns(StoreNode node) => IsPrivileged || node.Permissions.Owner == Domain || node.Permissions.Owner == Target;

    /// <summary>Room for one reply: at least <see cref="MessageBytes"/>. The caller of the engine saw to it that there is.</summary>
    public abstract Span<byte> Reply();

    /// <summary>Room for an event.</summary>
    /// <returns>False where there is none: the reader is slow.</returns>
    public abstract bool TryEvent(int bytes, out Span<byte> room);

    /// <summary>Puts what was written into the room just given into the stream to the caller.</summary>
    public abstract void Advance(int bytes);
}
