// SPDX-License-Identifier: MIT
using Tombolo.Fuzz.Targets;

namespace Tombolo.Fuzz;

/// <summary>Every target there is.</summary>
internal static class FuzzTargets
{
    private static readonly SortedDictionary<string, Func<IFuzzTarget>> _all = new(StringComparer.Ordinal)
    {
        ["channels"] = () => new ChannelTarget(),
        ["doorbell-client"] = () => new DoorbellClientTarget(),
        ["doorbell-message"] = () => new DoorbellMessageTarget(),
        ["doorbell-server"] = () => new DoorbellServerTarget(),
        ["fabric-yaml"] = () => new FabricYamlTarget(),
        ["grant-server"] = () => new GrantServerTarget(),
        ["grant-window"] = () => new GrantWindowTarget(),
        ["journal"] = () => new JournalTarget(),
        ["keeper"] = () => new KeeperTarget(),
        ["keeper-answer"] = () => new KeeperAnswerTarget(),
        ["machine-record"] = () => new MachineRecordTarget(),
        ["mailbox-globals"] = () => new MailboxGlobalsTarget(),
        ["mailbox-memory"] = () => new MailboxMemoryTarget(),
        ["mailbox-words"] = () => new MailboxWordsTarget(),
        ["qmp"] = () => new QmpTarget(),
        ["region-layout"] = () => new RegionLayoutTarget(),
        ["region-server"] = () => new RegionServerTarget(),
        ["region-table"] = () => new RegionTableTarget(),
        ["store-journal"] = () => new StoreJournalTarget(),
        ["store-request"] = () => new StoreRequestTarget(),
        ["store-ring"] = () => new StoreRingTarget(),
        ["switch"] = () => new SwitchTarget(),
        ["vhost-user"] = () => new VhostUserTarget(),
        ["virtqueue"] = () => new VirtqueueTarget(),
    };

    public static IReadOnlyCollection<string> Names => _all.Keys;

    public static IFuzzTarget Create(string name) => _all[name]();
}
