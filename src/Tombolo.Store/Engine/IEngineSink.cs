// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>Hears what must outlive the server, before the request that did it is answered.</summary>
internal interface IEngineSink
{
    /// <summary>Whether so many bytes of changes can be kept. Asked before anything is changed.</summary>
    bool HasRoom(int bytes);

    void Changed(in StoreChange change);

    void WatchAdded(StoreWatch watch);

    void WatchRemoved(StoreWatch watch);

    void TransactionBegun(StoreSession session, uint id);

    void TransactionEnded(StoreSession session, uint id);

    void DomainKnown(DomainId domain, DomainId? target);

    void DomainGone(DomainId domain);

    /// <summary>A quota stopped somebody.</summary>
    void QuotaHit(DomainId domain, string quota, string sentence);
}
