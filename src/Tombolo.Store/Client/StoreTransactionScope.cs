// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>A transaction under way: what is read and changed through it happens at once, or not at all. It belongs to <see cref="StoreClient.TransactAsync{T}"/>.</summary>
public sealed class StoreTransactionScope : StoreReader
{
    private readonly StoreLink _link;
    private readonly uint _id;

    internal StoreTransactionScope(StoreLink link, uint id) => (_link, _id) = (link, id);

    private protected override ValueTask<byte[]> Ask(StoreOperation operation, string first, ReadOnlySpan<byte> rest = default) => _link.Ask(operation, _id, first, rest);

    internal async ValueTask EndAsync(bool commit) => _ = await _link.Ask(StoreOperation.TransactionEnd, _id, commit ? "T" : "F", default);
}
