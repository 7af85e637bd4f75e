// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Machines;

namespace Tombolo.Fabric;

/// <summary>Where a fabric keeps its files.</summary>
/// <param name="Root">The folder of all fabrics.</param>
/// <param name="Name">The fabric's name.</param>
public sealed record FabricPaths(string Root, string Name)
{
    /// <summary>Overrides <see cref="DefaultRoot"/>.</summary>
    public const string RootVariable = "TOMBOLO_RUNTIME_DIR";
    /// <summary>What follows a mailbox's socket in the path of its keeper's.</summary>
    public const string KeeperSuffix = ".keeper";

    internal const string AdminSocketName = "admin.sock", LockName = "daemon.lock", DeclarationName = "fabric.yaml", OriginName = "origin", MachinesName = "machines", DaemonLogName = "daemon.log", GrantDomainsName = "grant-domains", StoreJournalName = "store.journal";

    /// <summary>The folder of all fabrics of this user: what <see cref="RootVariable"/> says, /run/tombolo for root, $XDG_RUNTIME_DIR/tombolo, or /tmp/tombolo-UID where there is none of these.</summary>
    public static string DefaultRoot
    {
        get
        {
            if (Environment.GetEnvironmentVariable(RootVariable) is { Length: > 0 } named) return Path.GetFullPath(named);
            if (LinuxProcess.EffectiveUserId == 0) return "/run/tombolo";
            return Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is { Length: > 0 } runtime ? Path.Combine(runtime, "tombolo") : $"/tmp/tombolo-{LinuxProcess.EffectiveUserId}";
        }
    }

    /// <summary>The fabric's folder.</summary>
    public string Folder => Path.Combine(Root, Name);
    /// <summary>The lock of whoever runs the fabric; holds its process id.</summary>
    public string Lock => Path.Combine(Folder, LockName);
    /// <summary>The socket of the admin interface.</summary>
    public string AdminSocket => Path.Combine(Folder, AdminSocketName);
    /// <summary>The log of whoever runs the fabric.</summary>
    public string DaemonLog => Path.Combine(Folder, DaemonLogName);
    /// <summary>The declaration that the fabric was brought up with, as it was written.</summary>
    public string Declaration => Path.Combine(Folder, DeclarationName);
    /// <summary>Holds the path that the declaration came from.</summary>
    public string Origin => Path.Combine(Folder, OriginName);
    /// <summary>Holds a folder for each machine.</summary>
    public string Machines => Path.Combine(Folder, MachinesName);

    /// <summary>A machine's folder.</summary>
    /// <param name="name">The machine's name.</param>
    public MachineFolder Machine(string name) => new(Path.Combine(Machines, name));

    /// <summary>The socket for the machine of a window of regions.</summary>
    /// <param name="regions">The regions.</param>
    public string QemuSocketOf(RegionsDeclaration regions) => Path.Combine(Folder, regions.Qemu);

    /// <summary>The socket for host clients of a window of regions.</summary>
    /// <param name="regions">The regions.</param>
    public string ClientSocketOf(RegionsDeclaration regions) => Path.Combine(Folder, regions.Clients);

    /// <summary>A mailbox's socket.</summary>
    /// <param name="mailbox">The mailbox.</param>
    public string SocketOf(MailboxDeclaration mailbox) => Path.Combine(Folder, mailbox.Socket);

    /// <summary>The socket of a switch's port; empty for an uplink that has none.</summary>
    /// <param name="port">The port.</param>
    public string SocketOf(SwitchPortDeclaration port) => port.Socket.Length == 0 ? "" : Path.Combine(Folder, port.Socket);

    /// <summary>What a running switch was changed to.</summary>
    /// <param name="name">The switch.</param>
    public string SwitchChanges(string name) => Path.Combine(Folder, $"{name}.switch.json");

    /// <summary>The socket for grants.</summary>
    /// <param name="grants">The grants.</param>
    public string SocketOf(GrantsDeclaration grants) => Path.Combine(Folder, grants.Socket);

    /// <summary>The socket of a window of grants.</summary>
    /// <param name="window">The window.</param>
    public string SocketOf(GrantWindowDeclaration window) => Path.Combine(Folder, window.Socket);

    /// <summary>Holds the domains that the store was told of.</summary>
    public string GrantDomains => Path.Combine(Folder, GrantDomainsName);

    /// <summary>Holds the store's nodes as long as the fabric is up; null where the declaration names another file, or none.</summary>
    /// <param name="store">The store.</param>
    public string? OwnJournalOf(StoreDeclaration store) => store is { Journal: null, HasJournal: true } ? Path.Combine(Folder, StoreJournalName) : null;

    /// <summary>The store's socket.</summary>
    /// <param name="store">The store.</param>
    public string SocketOf(StoreDeclaration store) => Path.Combine(Folder, store.Socket);
}
