// SPDX-License-Identifier: MIT
using Microsoft.Extensions.Logging;
using Tombolo.Mailbox;

namespace Tombolo.Fabric;

/// <summary>How a fabric is run. Immutable; change with <c>with</c>.</summary>
public sealed record FabricHostOptions
{
    /// <summary>The folder of all fabrics. Default <see cref="FabricPaths.DefaultRoot"/>.</summary>
    public string Root { get; init; } = FabricPaths.DefaultRoot;

    /// <summary>The program, with arguments, that keeps a mailbox's descriptors while no server runs; its socket's path is added as the last. Empty: a killed owner takes its mailboxes with it. Default empty.</summary>
    public IReadOnlyList<string> KeeperCommand { get; init; } = [];

    /// <summary>The QEMU program; null looks for the usual one. Default null.</summary>
    public string? QemuPath { get; init; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Given a mailbox's name: who sees every message of its server go by; null for nobody. Default null.</summary>
    public Func<string, MailTrace?>? Trace { get; init; }

    /// <summary>Where doorbell servers say what they do. Default null.</summary>
    public ILogger? Log { get; init; }
}
